"""The functions that Atmos's templates may call: Sprig's, gomplate's and Atmos's own."""
