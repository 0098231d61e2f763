"""The shapes of REST answers, for OpenAPI. Answers are built from records; these describe them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from gradio_app.base import page_readers
from gradio_app.base.notes import CODES
from gradio_app.base.options import MOST_PASSWORD, PRIORITY_LIMIT, TIERS, OcrMode
from gradio_app.model_server.states import EngineStatus
from gradio_app.store.states import QueueStatus, TaskStatus


class ErrorBody(BaseModel):
    """What went wrong, in words a person can act on."""

    code: str
    message: str
    retryable: bool


class RequestError(ErrorBody):
    """Why a request failed."""

    request_id: str = Field(description="As in the header X-Request-Id, the log and the audit log")


class Problem(BaseModel):
    """Every error has this shape."""

    error: RequestError


class NoteView(BaseModel):
    """A remark on the result."""

    code: str = Field(json_schema_extra={"enum": list(CODES)})
    pages: str = Field(description="Such as 3-4; empty for the whole document")
    message: str


class Receipt(BaseModel):
    """What a document cost and by what it was made."""

    waited_seconds: float
    parsed_seconds: float
    cached: bool
    engine: str
    versions: dict[str, str]
    failed_pages: str = Field(description="Such as 3,7-9; empty when all were read")
    coverage: float | None = Field(
        description="Share of the visible words that are in the result, 0 to 1; null where it is not known"
    )
    readers: dict[str, str] = Field(description="Pages such as 1-3,5 by the tier that has read them")
    input_sha256: str
    output_sha256: str | None


class TaskView(BaseModel):
    """One document. Name, owner, error, notes and receipt are hidden in others' tasks."""

    id: str
    seq: int = Field(description="Grows from task to task")
    name: str
    owner: str
    mine: bool
    status: TaskStatus
    kind: str = Field(description="The type by content, such as pdf; empty before it was looked at")
    tier: str
    page_range: str
    ocr_mode: str
    priority: int
    source_pages: int = Field(description="Pages of the file; pages_total are those selected")
    pages_total: int
    pages_done: int
    pages_failed: int
    position: int | None = Field(description="1 is next; null when it does not wait")
    eta_seconds: float | None
    created_at: float = Field(description="Unix seconds, as all times")
    started_at: float | None
    finished_at: float | None
    attempt: int
    error: ErrorBody | None
    notes: list[NoteView] = Field(description="Empty when all is well")
    receipt: Receipt | None
    folder: str = Field(description="Where it lay in an upload of a whole folder, such as a/b")
    redo_of: str = Field(description="The task of which this one reads a page once more")
    redo_page: int = Field(description="That page; 0 in ordinary tasks")
    redone: str = Field(description="Pages whose second reading was kept, such as 3,7-9")
    parent: str = Field(description="The task of the archive or mail that it came in; else empty")
    rev: int


class TextHit(BaseModel):
    """A page on which the words are."""

    page: int
    line: str = Field(description="Text around them")
    marks: list[tuple[int, int]] = Field(description="Where they begin and end in it, in Unicode characters")


class ListedTask(TaskView):
    """A task as lists have it."""

    hits: list[TextHit] | None = Field(None, description="With q: where its text has the words")


class QueueView(BaseModel):
    """The queue as a whole."""

    status: QueueStatus
    notice: ErrorBody | None = Field(description="Why nothing new is begun; null when all is well")
    problems: list[str] = Field(description="What does not work beside the queue, for whom it concerns")
    counts: dict[str, int]
    eta_seconds: float
    workers: int
    engine: dict[str, Any]
    limits: dict[str, int]
    user: dict[str, Any]


class TaskList(BaseModel):
    """Tasks, the newest revision, and the cursor of the next page."""

    rev: int | None = None
    tasks: list[ListedTask]
    next: str | None = None
    total: int | None = Field(None, description="All that match; not with since")
    counts: dict[str, int] | None = Field(None, description="By status; not with since")
    complete: bool | None = Field(
        None, description="Not with since. False: texts are still made ready for q, and more may be found"
    )
    deleted: list[str] | None = Field(None, description="With since: ids that are gone")
    reset: bool | None = Field(None, description="With since: forget everything and list again")
    places: dict[str, list[float | None]] | None = Field(
        None, description="With since: [position, eta_seconds] of the next waiting tasks"
    )
    queue: QueueView | None = Field(None, description="With since: the queue as a whole")


class TaskIds(BaseModel):
    """Ids by status, the newest first."""

    ids: dict[str, list[str]]
    more: bool = Field(description="There are more than are told")


class Refusal(BaseModel):
    """A task with which it could not be done, and why."""

    id: str
    error: ErrorBody


class BulkView(BaseModel):
    """What became of many tasks."""

    done: int
    ids: list[str] = Field(description="Of those with which it was done")
    failed: list[Refusal]


class BlockView(BaseModel):
    """A part of a page."""

    id: str
    type: str
    bbox: list[float] | None = Field(description="Left, top, right, bottom, as shares of the page")
    markdown: str
    auxiliary: bool = Field(description="Not part of the text: a header, footer or page number")
    original: str | None = Field(None, description="What was read, where it was corrected")


class SetAside(BaseModel):
    """A correction that counts no longer, as its page was read again and says something else there."""

    original: str
    markdown: str


class PageView(BaseModel):
    """One page of a result. Width and height in points, where the document has pages of a size."""

    page: int
    width: float | None
    height: float | None
    markdown: str
    blocks: list[BlockView]
    set_aside: list[SetAside] = []


class HourOfTasks(BaseModel):
    """Tasks of one tier that ended in one way within an hour. Waited and parsed are sums in seconds."""

    hour: int = Field(description="Unix time / 3600")
    tier: str
    status: TaskStatus
    tasks: int
    pages: int
    waited: float
    parsed: float


class HourOfEngine(BaseModel):
    """How long the engine was in a status within an hour, and the most bytes that the card had in use."""

    hour: int
    status: EngineStatus
    seconds: float
    used: int | None
    total: int | None


class HistoryView(BaseModel):
    """The last hours, oldest first; hours in which nothing ended are left out."""

    hour: int = Field(description="The hour that it is now")
    tasks: list[HourOfTasks]
    engine: list[HourOfEngine]


class ServerView(BaseModel):
    """A model server and its life."""

    name: str = Field(description="What tells it from the others; empty when it is alone")
    kind: str = Field(description="sglang: started here; remote: runs elsewhere; none")
    status: EngineStatus
    since: float
    in_flight: int = Field(description="Parts of documents that use it now")
    waiting: int = Field(description="Parts that wait for it")
    model: str
    version: str
    profile: str
    why: list[str] = Field(description="How it was set up, and why so")
    notice: str | None
    error: ErrorBody | None
    sleeps_in: float | None = Field(description="Seconds until it sleeps, when nothing comes")
    stops_in: float | None
    counts: dict[str, int]
    card: str = Field(description="Its card's uuid; of several the one with least free memory")
    cards: list[str]
    pids: list[int]
    can: dict[str, bool]


class EngineView(ServerView):
    """The engine: sums over its servers, and for the rest what the most awake of them says."""

    tokens: int = Field(description="Written by the model since the start of the service")
    servers: list[ServerView]


class CardView(BaseModel):
    """A graphics card. Sizes in bytes, load in percent, temperature in degrees Celsius."""

    index: int
    uuid: str
    name: str
    total: int
    used: int
    free: int
    load: int | None
    temperature: int | None
    chosen: bool
    processes: list[dict[str, Any]]


class GpuView(BaseModel):
    """The engine, the cards, and the last hour."""

    engine: EngineView
    cards: list[CardView]
    history: list[list[Any]] = Field(
        description="[Unix seconds, bytes used, load, engine's status], oldest first"
    )
    driver: str = Field(description="Why no card is seen, in a sentence; empty when there is one")


class MachineView(BaseModel):
    """A machine that reads. ``slots`` and ``busy`` count parts: ``compute``, and ``vision`` with a model."""

    id: str = Field(description="Empty: the machine of this server")
    name: str
    address: str
    status: str = Field(description="joining, ready, refused or lost")
    why: str = Field(description="Why it is not ready")
    since: float | None = Field(None, description="Unix seconds of its status")
    slots: dict[str, int] = Field({}, description="How many parts it reads at the same time")
    busy: dict[str, int]
    pages: int = Field(description="Pages it has read for this server since that started")
    versions: dict[str, str] = {}
    models: bool = Field(False, description="Whether it has MinerU's own small models (layout, OCR)")
    engine: dict[str, Any] = {}
    cards: list[dict[str, Any]] = []


class ClusterView(BaseModel):
    """The machines that read together."""

    address: str = Field(description="Of the cluster; empty: there is none")
    error: str = Field(description="Why there is no connection to it; empty when there is one")
    machines: list[MachineView]


ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem} for code in (400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 504, 507)
}


def binary(*media: str) -> dict[int | str, dict[str, Any]]:
    """For 200, files of these types."""
    content: dict[str, Any] = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media}
    if "application/json" in content:
        content["application/json"] = {"schema": {}}
    return {200: {"content": content, "description": "The file"}}


_PASSWORD = (
    "Opens encrypted PDF, Office and zip files; kept, encrypted, until they were opened or have failed"
)
_SECRET: dict[str, Any] = {"format": "password"}


#: a tier, or the name of a page reader; ``ParseOptions.checked`` refuses any other
TierOrReader = Annotated[str, WithJsonSchema({"type": "string", "enum": [*TIERS, *page_readers.names()]})]


class UploadForm(BaseModel):
    """The multipart body of a submission, which is parsed while it streams and not by FastAPI."""

    files: list[bytes] = Field(min_length=1)
    tier: TierOrReader = "auto"
    page_range: str = Field("", description="1-5,8,r2-r1; empty for all")
    ocr_mode: OcrMode = "auto"
    priority: int = Field(0, ge=-PRIORITY_LIMIT, le=PRIORITY_LIMIT, description="Among your own tasks")
    use_cache: bool = True
    keep_headers: bool = Field(False, description="Running heads and feet stay in the text")
    password: str = Field("", max_length=MOST_PASSWORD, description=_PASSWORD, json_schema_extra=_SECRET)


class RetryForm(BaseModel):
    """What a retry may bring along."""

    password: str = Field("", max_length=MOST_PASSWORD, description=_PASSWORD, json_schema_extra=_SECRET)


class LinkForm(BaseModel):
    """For how long a link opens its document."""

    days: int = Field(7, ge=1, le=90)


class LinkInfo(BaseModel):
    """A secret link, without its secret; times in Unix seconds."""

    id: str
    created_at: int
    until: int


class LinkView(LinkInfo):
    """A link that was made now; its address is `path` below that of the server."""

    path: str


class LinkList(BaseModel):
    """The links of one document."""

    links: list[LinkInfo]


class AgainForm(RetryForm):
    """How a document is read once more."""

    tier: TierOrReader = "auto"
    page_range: str = Field("", max_length=1000)
    ocr_mode: OcrMode = "auto"


def body_of(model: type[BaseModel], *media: str) -> dict[str, Any]:
    """For OpenAPI, a body of these types that the route itself parses."""
    schema = {"schema": model.model_json_schema()}
    return {"requestBody": {"required": True, "content": dict.fromkeys(media, schema)}}
