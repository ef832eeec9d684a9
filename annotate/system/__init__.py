"""The computer: safe files, locks, the clock, work in threads. Nothing here is about ultrasound."""
