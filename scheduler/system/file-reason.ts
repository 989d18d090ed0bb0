/** Why a file or folder cannot be used, in words with advice, from what the system says. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied; check its owner and mode",
  EPERM: "permission denied; check its owner and mode",
  EEXIST: "a file is in the way; remove it, or name another place",
  ENOTDIR: "a file is in the way; remove it, or name another place",
  EISDIR: "it is a folder; remove it, or name another place",
  ENOENT: "its folder does not exist; create it",
  ENOSPC: "no space is left there",
  EPIPE: "nobody reads it",
  ENXIO: "nobody reads it",
  EAGAIN: "whoever reads it is too slow",
  EMFILE: "too many files and connections are open; raise the limit (LimitNOFILE=, ulimit -n)",
  ERR_ENCODING_INVALID_ENCODED_DATA: "it is not UTF-8 text; save it as UTF-8",
  EROFS: "it is on a file system that is read-only; name another place",
};

export function fileReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ""] ?? message;
}
