"""How the network is computed: device, precision, threads, and libraries without their telemetry."""
