"""Policy documents as text: written, parsed, compared, narrowed, and whom they name."""
