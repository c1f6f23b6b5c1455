"""Every threshold of law or policy as a dated, sourced row."""
