"""A platform for SGLang's plugin group ``sglang.srt.platforms``: a plain CPU.

SGLang's own CPU support wants a kernel library that has to be built from source. A platform of our own is
asked first; it says that there is nothing but torch, and SGLang then takes its torch-native paths.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import gc
from typing import Any


def activate() -> str:
    """The entry point: names the class, which is made when SGLang asks for it."""
    return "sglang_on_cpu.Cpu"


def __getattr__(name: str) -> Any:
    # SGLang may only be imported after it has asked ``activate``.
    if name != "Cpu":
        raise AttributeError(name)
    globals()[name] = _make_class()
    return globals()[name]


def _make_class() -> type:
    import psutil
    import torch
    from sglang.srt.platforms.device_mixin import PlatformEnum
    from sglang.srt.platforms.interface import SRTPlatform

    class Cpu(SRTPlatform):
        _enum = PlatformEnum.OOT
        device_name = device_type = "cpu"

        def get_device(self, device_id: int = 0) -> Any:
            return torch.device("cpu")

        def set_device(self, device: Any) -> None: ...

        def get_device_name(self, device_id: int = 0) -> str:
            return "cpu"

        def get_device_uuid(self, device_id: int = 0) -> str:
            return "cpu"

        def get_device_capability(self, device_id: int = 0) -> None:
            return None

        def get_device_total_memory(self, device_id: int = 0) -> int:
            return psutil.virtual_memory().total

        def get_available_memory(self, device_id: int = 0) -> tuple[int, int]:
            memory = psutil.virtual_memory()
            return memory.available, memory.total

        def get_current_memory_usage(self, device: Any = None) -> float:
            memory = psutil.virtual_memory()
            return float(memory.total - memory.available)

        def empty_cache(self) -> None:
            gc.collect()

        def get_default_attention_backend(self) -> str:
            return "torch_native"

        def get_torch_distributed_backend_str(self) -> str:
            return "gloo"

        def get_dispatch_key_name(self) -> str:
            return "native"

        def get_compile_backend(self, mode: Any = None) -> str:
            return "eager"

        def get_torch_profiler_activity_str(self) -> str:
            return "CPU"

        def get_torch_profiler_activity(self) -> Any:
            return torch.profiler.ProfilerActivity.CPU

    return Cpu
