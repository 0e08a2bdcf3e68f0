"""What outlives a destroy, as plain data: names and CloudFormation templates."""
