"""What is printed: certificates of consent, posters with their code, and the fonts for both."""
