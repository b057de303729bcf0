import { useEffect, useState } from 'preact/hooks'
import { bytesText, shownName } from '../../../data/format.ts'
import { useQuery } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../../ui/feedback/query-result.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { previewKindOf } from './preview-kind.ts'
import { readPdf, readText } from './retrieve-query.ts'
import type { Found } from './retrieve-query.ts'

type FoundFile = Found & { kind: 'file' }
/** A document is held in memory. */
const pdfBytes = 64 * 1024 * 1024

/** Content as an image, a sound, text, … never as a page: nothing in it runs. */
export function Preview ({ file }: { file: FoundFile }) {
  const kind = previewKindOf(file)
  const [hasFailed, setFailed] = useState(false)
  useEffect(() => setFailed(false), [file.source])
  const failed = (): void => setFailed(true)
  const name = shownName(file.name)
  if (kind === 'none' || hasFailed) return <NoPreview file={file} hasFailed={hasFailed}/>
  if (kind === 'image') return <div class="preview preview--image"><img src={file.source} alt={name} onError={failed}/></div>
  if (kind === 'audio') return <div class="preview">
    <audio src={file.source} controls preload="metadata" aria-label={name} onError={failed}/>
  </div>
  if (kind === 'video') return <div class="preview preview--video">
    <video src={file.source} controls preload="metadata" aria-label={name} onError={failed}/>
  </div>
  if (kind === 'pdf') return <PdfPreview file={file}/>
  return <TextPreview file={file}/>
}

function NoPreview ({ file, hasFailed }: { file: FoundFile, hasFailed: boolean }) {
  return (
    <EmptyState title={hasFailed ? 'This browser can not show it' : 'There is no preview for this kind of file'} icon="file"
      action={<Button kind="primary" icon="download" href={file.download} download="">
      Download
    </Button>}>
      {file.type === '' ? '' : file.type}{file.sizeBytes == null ? '' : `, ${bytesText(file.sizeBytes)}`}
    </EmptyState>
  )
}

function TextPreview ({ file }: { file: FoundFile }) {
  const query = useQuery(`preview/${file.source}`, signal => readText(file.source, signal))
  return (
    <QueryResult query={query}>{({ text, isWhole }) => <>
      {!isWhole && <Notice>These are the first 512 KiB{file.sizeBytes == null ? '' : ` of ${bytesText(file.sizeBytes)}`}.</Notice>}
      {text === '' ? <EmptyState title="The file is empty" icon="file"/> : <pre class="preview preview--text" tabIndex={0} aria-label={`Text of ${shownName(file.name)}`}>{text}</pre>}
    </>}</QueryResult>
  )
}

function PdfPreview ({ file }: { file: FoundFile }) {
  const isPossible = navigator.pdfViewerEnabled && (file.sizeBytes ?? 0) <= pdfBytes
  const query = useQuery(`preview/${file.source}`, signal => readPdf(file.source, signal), { isEnabled: isPossible })
  const [address, setAddress] = useState<string | null>(null)
  useEffect(() => {
    if (query.data == null) return undefined
    const made = URL.createObjectURL(query.data)
    setAddress(made)
    return () => URL.revokeObjectURL(made)
  }, [query.data])
  if (!isPossible) return <NoPreview file={file} hasFailed/>
  return <QueryResult query={query}>
    {() => address == null ? null : <iframe class="preview preview--pdf" src={address} title={`Document ${shownName(file.name)}`}/>}
  </QueryResult>
}
