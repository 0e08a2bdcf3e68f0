"""Real Terraform, against stand-ins for the services it talks to."""
