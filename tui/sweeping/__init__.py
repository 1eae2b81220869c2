"""`clipwatch sweep`: its options, how it prints, and its screen."""
