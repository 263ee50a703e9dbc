"""Where the states of Terraform lie that a stack's values are made of."""
