// What the page was served with: how one signs in, the limits and formats of a request, other callers of this machine.

export const settings = JSON.parse(document.querySelector("meta[name=settings]").content);
