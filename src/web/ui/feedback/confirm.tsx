import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { createStore, useStore } from '../../data/store.ts'
import { Button } from '../controls/button.tsx'
import { Dialog } from './dialog.tsx'
import { TextField } from '../controls/text-field.tsx'

/** What is asked before something is done. */
export interface Question {
  title: string
  text: ComponentChildren
  /** What the button says: "Delete 3 files". */
  action: string
  tone?: 'bad' | 'neutral'
  /** Has to be typed: for what can't be undone and takes much with it. */
  typed?: string
}

const asked = createStore<{ question: Question, answer: (isWanted: boolean) => void } | null>(null)

/** Asks first. */
export async function confirm (question: Question): Promise<boolean> {
  asked.get()?.answer(false)
  return new Promise(resolve => asked.set({
    question,
    answer: isWanted => {
      asked.set(null)
      resolve(isWanted)
    }
  }))
}

/** Shows what is asked; once on the page. */
export function Confirmations () {
  const current = useStore(asked)
  return current == null ? null : <Ask key={current.question.title} {...current}/>
}

function Ask (
  { question: { title, text, action, tone = 'neutral', typed }, answer }: { question: Question, answer: (isWanted: boolean) => void }
) {
  const [given, setGiven] = useState('')
  const isReady = typed == null || given === typed
  return <Dialog title={title} size="small" onClose={() => answer(false)} footer={<>
    <Button onClick={() => answer(false)}>Cancel</Button>
    <Button kind={tone === 'bad' ? 'danger' : 'primary'} disabled={!isReady} onClick={() => answer(true)}>{action}</Button>
  </>}>
    <div>{text}</div>
    {typed != null && <TextField label={`Type “${typed}” to go on`} value={given} onChange={setGiven} spellcheck={false}
      onEnter={() => { if (isReady) answer(true) }}/>}
  </Dialog>
}
