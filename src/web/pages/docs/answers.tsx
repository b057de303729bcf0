import { ownOrigin } from '../../app/site.ts'
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from '../../app/router.tsx'
import { CodeBlock } from '../../ui/controls/copy.tsx'
import { Disclosure } from '../../ui/controls/disclosure.tsx'
import { Section } from '../../ui/frame/page.tsx'
import { Table } from '../../ui/display/table.tsx'
import { Tabs } from '../../ui/controls/tabs.tsx'
import { keyPlace } from '../developer/lines.ts'
import { examples } from './examples.ts'

interface ErrorCode { status: number, name: string, when: string }

/** What the service answers with when something is wrong. */
const errorCodes: readonly ErrorCode[] = [
  { status: 400, name: 'Bad Request', when: 'Malformed JSON, missing required fields, an invalid file type or size, an invalid CID' },
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

/** The chapter about errors. */
export function Errors () {
  return (
    <div class="prose">
      <p>Every error has one form, with the status once more and a sentence for people:</p>
      <CodeBlock
        label="An error" language="json" code={'{\n  "status": 404,\n  "error": "Not Found",\n  "message": "there is no such key"\n}'}
      />
      <p>Below <code>/api/pinning</code> it is the form that the Pinning Service API asks for:</p>
      <CodeBlock
        label="An error of the Pinning Service API" language="json"
        code={'{\n  "error": {\n    "reason": "NOT_FOUND",\n    "details": "there is no such pin"\n  }\n}'}
      />
      <Section title="Codes">
        <Table
          caption="Error codes"
          keyOf={row => String(row.status)}
          rows={errorCodes}
          columns={[
            { id: 'status', label: 'Code', isMain: true, cell: (row: ErrorCode) => <code>{row.status}</code> },
            { id: 'name', label: 'Name', cell: (row: ErrorCode) => row.name },
            { id: 'when', label: 'When it occurs', cell: (row: ErrorCode) => row.when }
          ]}
        />
      </Section>
    </div>
  )
}

/** The chapter with programs, by language. */
export function Examples () {
  const all = examples({ origin: ownOrigin(), key: keyPlace })
  const [language, setLanguage] = useState(all[0]?.language ?? '')
  const shown = all.find(one => one.language === language)
  return (
    <div class="prose">
      <p>The same work in several languages. Put a key of yours where they say <code>{keyPlace}</code>.</p>
      <Tabs label="Languages" tabs={all.map(one => ({ id: one.language, label: one.language }))} active={language} onChange={setLanguage}>
        {shown?.parts.map(({ title, code }) => (
          <Section key={title} title={title}>
            <CodeBlock code={code} label={`${title}, ${shown.language}`} />
          </Section>
        ))}
      </Tabs>
    </div>
  )
}

interface Question { question: string, answer: ComponentChildren }

const questions: readonly Question[] = [
  {
    question: 'What is a CID?',
    answer: <p>The identifier of content: it is computed from the bytes. The same bytes have the same CID everywhere, and who reads by a
      CID can check that nobody has changed anything.</p>
  },
  {
    question: 'What does pinning mean?',
    answer: <p>IPFS nodes throw away what nobody asked them to keep. A pin asks for that: the cluster keeps the content on as many machines
      as it is set up for, and repairs that by itself when one of them is lost.</p>
  },
  {
    question: 'Is what I upload private?',
    answer: <p>No. Nobody can list what you have, but whoever knows a CID can read its content, here and through any other IPFS node.
      Encrypt what must stay secret before you upload it.</p>
  },
  {
    question: 'What happens when I unpin or delete a file?',
    answer: <p>It stops counting against your quota, and the cluster lets it go unless somebody else has pinned it. Copies that other
      people or other nodes have are theirs.</p>
  },
  {
    question: 'How much can I store?',
    answer: <p>Your <Link to="/dashboard">dashboard</Link> shows quota and use. The same content counts once, as an upload or as a pin. An
      upload that doesn’t fit is refused, and nothing of it is kept; whoever runs this service can raise the quota.</p>
  },
  {
    question: 'How large may a file be?',
    answer: <p>As large as what is left of your quota. Uploads in these pages can be paused and go on after a reload; programs use any
      client of tus 1.0 with <code>/api/v1/uploads</code>.</p>
  },
  {
    question: 'Can I upload a folder?',
    answer: <p>Yes: drop it on the <Link to="/upload">Upload page</Link>, or send one part for each file with <code>directory=true</code>.
      It has one CID, and its files have paths below it.</p>
  },
  {
    question: 'What is the difference between “now” and “when first read”?',
    answer: <p>Pinned now, the cluster has it when the answer comes. Pinned when first read, its bytes wait aside until somebody opens the
      address, see <Link to="/docs/gateway">pinning on demand</Link>.</p>
  },
  {
    question: 'Why does a pin stay “pinning”?',
    answer: <p>Nobody who has the content can be reached just now, or it is large. <Link to="/files">Files</Link> shows what a pin waits
      for, since when, and when it is tried again. It goes on by itself once somebody has the content: leave your node running until
      then.</p>
  },
  {
    question: 'I have lost my key. What now?',
    answer: <p><Link to="/renew">Renew it</Link> with a code that is mailed to you; the old one ends. With a login you can also make a new
      key on the <Link to="/developer">Developer page</Link> and revoke the old one.</p>
  },
  {
    question: 'How do others send me files?',
    answer: <p>Make an <Link to="/links">upload link</Link> and send it to them. They need no account, and see nothing of yours.</p>
  },
  {
    question: 'How do I move from another pinning service?',
    answer: <p><code>POST /api/v1/pins/import</code> with the endpoint and a token of the other one takes over all its pins as
      a <Link to="/tasks">task</Link>; <code>GET /api/v1/pins/export</code> lists all pins of yours.</p>
  },
  {
    question: 'Too many requests?',
    answer: <p>An answer 429 says in <code>Retry-After</code> how many seconds to wait. Limits are per key, and tighter for logins and
      codes.</p>
  }
]

/** The chapter of questions and answers. */
export function Questions () {
  return <div class="prose docs__questions">
    {questions.map(({ question, answer }) => <Disclosure key={question} summary={question}>{answer}</Disclosure>)}
  </div>
}
