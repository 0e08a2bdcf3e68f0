"""Names and CloudFormation templates of the resources that outlive ``terraform destroy``."""
