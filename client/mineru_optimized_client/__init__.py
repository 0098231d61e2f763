"""Client of a MinerU Optimized server: documents in, Markdown out.

Covers: sending, waiting, results, whole folders, repeated requests. See: ``Client``, ``AsyncClient``.
"""

from mineru_optimized_client.asynchronous import AsyncClient
from mineru_optimized_client.blocking import Client
from mineru_optimized_client.folders import Outcome
from mineru_optimized_client.records import ServerError, Task, TaskFailed

__all__ = ["AsyncClient", "Client", "Outcome", "ServerError", "Task", "TaskFailed"]
