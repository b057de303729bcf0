import { useEffect, useState } from 'preact/hooks'
import { announce } from '../feedback/announce.ts'
import { Button } from './button.tsx'
import { copyText } from './clipboard.ts'
import './copy.css'

/** `label`: what is copied, "Copy CID". */
export function CopyButton ({
  text: copied, label, name = label, size = 'small', iconOnly = false
}: { text: string, label: string, /** For readers, where the label says too little. */ name?: string, size?: 'normal' | 'small', iconOnly?: boolean }) {
  const [isDone, setDone] = useState<boolean | null>(null)
  useEffect(() => {
    if (isDone == null) return undefined
    const timer = setTimeout(() => setDone(null), 2000)
    return () => clearTimeout(timer)
  }, [isDone])
  const copy = async (): Promise<void> => {
    const done = await copyText(copied)
    setDone(done)
    announce(done ? 'Copied' : 'Copying failed: select the text and copy it by hand')
  }
  const text = isDone === true ? 'Copied' : isDone === false ? 'Failed' : label
  return <Button kind={iconOnly ? 'quiet' : 'plain'} size={size} iconOnly={iconOnly}
    icon={isDone === true ? 'check' : isDone === false ? 'warning' : 'copy'} label={iconOnly ? label : isDone == null ? name : text}
    onClick={() => {
    void copy()
  }}>
    {iconOnly ? undefined : text}
  </Button>
}

const copyOf = (label: string): string => `Copy ${/^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label}`

/** Something that is shown only once. */
export function Secret ({ value, label }: { value: string, label: string }) {
  return <div class="secret">
    <output class="secret__value" aria-label={label}>{value}</output>
    <CopyButton text={value} label={copyOf(label)} size="normal"/>
  </div>
}

/** An address to pass on; `label` stands above it. */
export function Address ({ value, label }: { value: string, label: string }) {
  return <div class="secret">
    <p class="secret__label">{label}</p>
    <output class="secret__value" aria-label={label}>{value}</output>
    <CopyButton text={value} label="Copy" name={copyOf(label)} size="normal"/>
  </div>
}

/** Lines to copy. */
export function CodeBlock ({ code, label, language }: { code: string, label: string, language?: string }) {
  return <figure class="code-block">
    <figcaption class="code-block__head"><span>{label}</span>{language != null && <span class="code-block__language">{language}</span>}<CopyButton text={code} label="Copy"/></figcaption>
    <pre tabIndex={0} aria-label={label}><code>{code}</code></pre>
  </figure>
}
