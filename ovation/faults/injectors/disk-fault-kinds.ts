/** The kinds of disk faults. All of them kill the server first. */

export const DISK_FAULTS = {
  flip: "disk bit flip",
  cut: "disk file cut short",
  unsynced: "disk unsynced tail lost",
} as const;

export function isDiskFault(kind: string): boolean {
  return Object.values<string>(DISK_FAULTS).includes(kind);
}
