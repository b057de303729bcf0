/** Where a file of one's own can be downloaded: with its name, a folder as a tar. */
export const downloadOf = ({ cid }: { cid: string, name?: string }): string => `/api/v1/files/retrieve/${encodeURIComponent(cid)}`
