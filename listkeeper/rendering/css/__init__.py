"""Style rules as browsers and mail programs read them: selectors, the cascade, and who can show what."""
