"""Who can read what, by the policies of a snapshot; who really did; and what AWS itself answers."""
