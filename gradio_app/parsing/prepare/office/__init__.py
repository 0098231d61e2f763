"""Office files: what MinerU's readers drop is written into the main text, one module a kind or step."""
