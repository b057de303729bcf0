export interface ErrorCode { status: number, name: string, when: string }

/** What the service answers with when something is wrong. */
export const errorCodes: readonly ErrorCode[] = [
  { status: 400, name: 'Bad Request', when: 'Malformed JSON, missing required fields, an invalid file type or size, a CID that is none' },
  { status: 401, name: 'Unauthorized', when: 'The API key is missing, or never was one; the session has ended' },
  {
    status: 403, name: 'Forbidden',
    when: 'The account is suspended; the key was revoked, has expired, is used up or lacks the permission; the content is denied'
  },
  { status: 404, name: 'Not Found', when: 'The CID or resource does not exist for this user' },
  { status: 405, name: 'Method Not Allowed', when: 'The path takes other methods: Allow names them' },
  {
    status: 409, name: 'Conflict',
    when: 'The address has an account, the file is pinned already, the task is finished; with the Pinning Service API also: the account is full'
  },
  { status: 410, name: 'Gone', when: 'The content is on a denylist' },
  { status: 413, name: 'Content Too Large', when: 'A JSON body above 1 MiB, or a file above what an upload link takes' },
  {
    status: 422, name: 'Unprocessable Entity',
    when: 'The request is valid, and can’t be carried out: the account is full, the cluster refuses'
  },
  { status: 429, name: 'Too Many Requests', when: 'A limit is exceeded: Retry-After has the seconds to wait' },
  { status: 451, name: 'Unavailable For Legal Reasons', when: 'The content is denied for legal reasons' },
  { status: 500, name: 'Internal Server Error', when: 'An unexpected fault: tell whoever runs this service' },
  { status: 503, name: 'Service Unavailable', when: 'Something that is needed is away for now: Retry-After has the seconds to wait' },
  { status: 504, name: 'Gateway Timeout', when: 'Nobody who has the content could be reached in time' }
]
