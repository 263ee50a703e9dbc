"""Write the generated pages of docs/, and show as a site what a code host shows as files."""
