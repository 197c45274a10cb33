"""What somebody paid for in a letter, where it stands, and whether the letter says so."""
