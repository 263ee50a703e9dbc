"""Write and verify marks: tags that prove whose a thing is."""
