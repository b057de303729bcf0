import type { Answer } from './visit.ts'

/** `GET /`: what this is. */
export const frontPage = (): Answer => ({
  status: 200,
  headers: [['Content-Type', 'text/html; charset=utf-8'], ['Cache-Control', 'no-cache']],
  body: '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>IPFS gateway</title></head>\n<body>\n<h1>IPFS gateway</h1>\n<p>Content is at <code>/ipfs/CID</code> and <code>/ipns/NAME</code>.</p>\n</body>\n</html>\n'
})
