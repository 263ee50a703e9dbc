"""Go templates in manifests."""
