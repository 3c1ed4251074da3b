"""What scripts/bench measures, and the floors that it is held against. Load goes to loopback only, and is bounded."""
