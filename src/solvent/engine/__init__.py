"""Ring 2: tables of integers, compiled kernels, one writer, deterministic. Start reading at docs/architecture.md."""
