/** How content can be shown. `none`: it can be downloaded. */
export type PreviewKind = 'image' | 'audio' | 'video' | 'pdf' | 'text' | 'none'

const byEnd: ReadonlyArray<[PreviewKind, string]> = [
  ['image', 'png jpg jpeg gif webp avif svg ico bmp apng'],
  ['audio', 'mp3 ogg oga opus wav flac m4a aac weba'],
  ['video', 'mp4 m4v webm mov ogv mkv'],
  ['pdf', 'pdf'],
  [
    'text',
    'txt log md markdown csv tsv json jsonl ndjson xml yaml yml toml ini conf html htm css js mjs cjs ts tsx jsx py rb rs go java c h cpp hpp cs sh bash sql diff patch tex rtf srt vtt svg'
  ]
]
const ends = new Map(byEnd.flatMap(([kind, names]) => names.split(' ').map(end => [end, kind] as const)).toReversed())

/** By its type, and where that says nothing by its name. */
export function previewKindOf ({ type, name }: { type: string, name: string }): PreviewKind {
  const plain = type.split(';')[0]?.trim().toLowerCase() ?? ''
  return kindOfType(plain) ?? ends.get(/\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '') ?? 'none'
}

function kindOfType (type: string): PreviewKind | undefined {
  if (type === 'application/pdf') return 'pdf'
  const [main = ''] = type.split('/')
  if (main === 'image' || main === 'audio' || main === 'video' || main === 'text') return main
  return /^application\/(?:json|xml|javascript|x-ndjson|yaml|toml|sql)$|\+(?:json|xml)$/.test(type) ? 'text' : undefined
}
