"""The computer: files that survive a power cut, locks, the clock, work done ahead. Knows nothing of ultrasound."""
