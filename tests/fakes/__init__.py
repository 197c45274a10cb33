"""Real stand-ins for the outside world: they speak the protocol, on loopback."""
