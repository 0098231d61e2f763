"""Identity and admission: who a caller is, sign-in, host and origin checks, rate limits, the audit log."""
