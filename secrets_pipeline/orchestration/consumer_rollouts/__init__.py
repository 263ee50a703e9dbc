"""Follow consumers that were started anew until their rollouts end."""
