"""Taking uploads in without filling memory or disk: a request that is too large is read and thrown away."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers

DEFAULT_REQUEST_MAX: Final = 60 * 1024 * 1024


class OversizedFile(UploadedFile):
    """A file that was read to its end and not kept: only its name and size are known."""

    def chunks(self, chunk_size: int | None = None) -> Any:
        return iter(())

    def read(self, *args: Any) -> bytes:
        return b""

    def seek(self, *args: Any) -> int:
        return 0

    def close(self) -> None:
        return None


class CappedUploadHandler(FileUploadHandler):
    """Keeps nothing of the files of a request that is larger than ``settings.UPLOAD_REQUEST_MAX`` bytes.

    Must stand first in ``FILE_UPLOAD_HANDLERS``. The form still sees each file, as an ``OversizedFile``,
    so that the person reads which one was too large and keeps what else was typed.
    """

    capped = False

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        self.capped = content_length > getattr(settings, "UPLOAD_REQUEST_MAX", DEFAULT_REQUEST_MAX)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.capped:
            raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return None if self.capped else raw_data

    def file_complete(self, file_size: int) -> OversizedFile | None:
        if not self.capped:
            return None
        return OversizedFile(
            file=None,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
