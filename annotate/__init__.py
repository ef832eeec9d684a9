"""What a physician sees and draws, and where it is kept. No torch in here."""
