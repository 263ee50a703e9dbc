"""The embedded AWS from outside: started, found, stopped, asked."""
