"""Each construct of constructs_lib, alone on a bare stack."""
