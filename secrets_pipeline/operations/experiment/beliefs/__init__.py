"""What this project believes of AWS, as requests whose answers show it; a module for each service."""
