"""The tests of listkeeper: architecture, unit, integration, browser, conformance, adversarial, benchmarks."""
