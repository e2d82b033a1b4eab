"""Uploads in a bucket of S3, by botocore's signer alone: a client of boto3 takes four times the CPU.

docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

from api.errors import UploadsUnavailableError
from api.uploads import VALID_SECONDS, NewUpload
from session_store.errors import ConfigurationError

_TIMEOUT_SECONDS = 10
_DELETIONS_AT_ONCE = 8
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class BucketUploads:
    """Of the region and with the credentials that the environment names. Raises `ConfigurationError` without them."""

    def __init__(self, bucket: str) -> None:
        from botocore.auth import S3SigV4QueryAuth  # pyright: ignore[reportMissingTypeStubs]
        from botocore.awsrequest import AWSRequest  # pyright: ignore[reportMissingTypeStubs]
        from botocore.session import Session  # pyright: ignore[reportMissingTypeStubs]

        self._auth, self._request = cast(Any, S3SigV4QueryAuth), cast(Any, AWSRequest)
        self._region, self._credentials = _find_region(), cast(Any, Session)().get_credentials()
        if self._region is None or self._credentials is None:
            raise ConfigurationError("UPLOAD_BUCKET needs AWS credentials and a region")
        self._url = _find_url(bucket, self._region)

    def sign(self, key: str, upload: NewUpload) -> str:
        headers = {"Content-Type": upload.media_type, "Content-Length": str(upload.size_bytes)}
        return self._sign("PUT", f"{self._url}/{key}", headers)

    def read(self, key: str, max_bytes: int) -> bytes | None:
        return self._send("GET", f"{self._url}/{key}", max_bytes + 1)

    def delete_all(self, folder: str) -> None:
        """In S3 a deletion of what is not there succeeds, so that it may be repeated."""
        with ThreadPoolExecutor(_DELETIONS_AT_ONCE) as threads:
            list(threads.map(self._delete, self._list(folder)))

    def _delete(self, key: str) -> None:
        self._send("DELETE", f"{self._url}/{quote(key)}")

    def _list(self, folder: str) -> Iterator[str]:
        query = {"list-type": "2", "prefix": folder}
        while True:
            page = ElementTree.fromstring(self._send("GET", f"{self._url}/?{urlencode(query)}") or b"<none/>")  # noqa: S314
            yield from (each.text or "" for each in page.iterfind(f"{_NAMESPACE}Contents/{_NAMESPACE}Key"))
            following = page.findtext(f"{_NAMESPACE}NextContinuationToken")
            if following is None:
                return
            query["continuation-token"] = following

    def _sign(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> str:
        request = self._request(method=method, url=url, headers=dict(headers or {}))
        credentials = self._credentials.get_frozen_credentials()
        self._auth(credentials, "s3", self._region, expires=VALID_SECONDS).add_auth(request)
        return request.url

    def _send(self, method: str, url: str, max_bytes: int = -1) -> bytes | None:
        request = urllib.request.Request(self._sign(method, url), method=method)  # noqa: S310 - an address of ours
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return _read_whole(answer, max_bytes)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return None
                raise UploadsUnavailableError(f"S3 answered {error.code}") from error
        except (OSError, HTTPException) as error:  # the latter of an answer that is cut off
            raise UploadsUnavailableError(str(error)) from error


def _read_whole(answer: HTTPResponse, max_bytes: int) -> bytes:
    """So many bytes at most. `HTTPResponse.read` takes an answer that is cut off for a short one."""
    announced = answer.length
    content = answer.read(max_bytes)
    if announced is not None and len(content) < (announced if max_bytes < 0 else min(announced, max_bytes)):
        raise IncompleteRead(content, announced - len(content))
    return content


def find_origin(bucket: str) -> str | None:
    """None where no region is known."""
    region = _find_region()
    return None if region is None else "{0.scheme}://{0.netloc}".format(urlsplit(_find_url(bucket, region)))


def _find_region() -> str | None:
    if region := os.environ.get("AWS_DEFAULT_REGION"):  # which botocore reads first, and takes long to be imported
        return region
    from botocore.session import Session  # pyright: ignore[reportMissingTypeStubs]

    return cast(Any, Session)().get_config_variable("region")


def _find_url(bucket: str, region: str) -> str:
    if endpoint := os.environ.get("AWS_ENDPOINT_URL_S3"):  # as the AWS SDKs read it
        return f"{endpoint}/{bucket}"
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{bucket}.s3.{region}.{suffix}"
