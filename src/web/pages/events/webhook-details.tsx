import { useState } from 'preact/hooks'
import type { Webhook } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { invalidate, useAction, useQuery } from '../../data/query.ts'
import { Status } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { confirm } from '../../ui/feedback/confirm.tsx'
import { Dialog } from '../../ui/feedback/dialog.tsx'
import { DefinitionList } from '../../ui/controls/disclosure.tsx'
import { Row, Stack } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { toast } from '../../ui/feedback/toast.tsx'
import { Name, Time } from '../../ui/display/values.tsx'
import { Deliveries, isSuccess } from './deliveries.tsx'
import { MadeWebhook } from './webhook-form.tsx'
import { typesText } from './webhook-types.ts'

/** The webhook's word in `status-words.ts`. */
export const statusOf = ({ state, failures }: Webhook): string => state === 'active' && failures > 0
  ? 'failing'
  : state === 'failed' ? 'given_up' : state

/** How a webhook does, and what can be done with it. */
export function WebhookDetails ({ webhook, onEdit, onClose }: { webhook: Webhook, onEdit: () => void, onClose: () => void }) {
  const { id, url, types, state, next_try_at: next, created_at: created } = webhook
  const [secret, setSecret] = useState<string>()
  const deliveries = useQuery(`webhook-deliveries/${id}`, signal => service.webhooks.deliveries(id, { signal }), { pollMs: 5000 })
  const actions = useWebhookActions(webhook, { onSecret: setSecret, onClose, onTested: deliveries.reload })
  if (secret != null) return <MadeWebhook webhook={{ secret }} onClose={() => setSecret(undefined)}/>
  return <Dialog title="Webhook" size="large" onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
    <Stack>
      {state === 'failed' && <Notice tone="bad" title="Given up" role="status">
        Nobody answered for half a day. When it is switched on again, it begins with the events from then on.
      </Notice>}
      <DefinitionList items={[
        { term: 'Address', value: <Name text={url}/> },
        { term: 'Events', value: typesText(types) },
        { term: 'State', value: <Status value={statusOf(webhook)}/> },
        ...(next == null ? [] : [{ term: 'Next try', value: <Time at={next}/> }]),
        { term: 'Since', value: <Time at={created}/> }
      ]}/>
      <Row gap="tight">
        <Button size="small" icon="play" isBusy={actions.test.isRunning} onClick={() => { void actions.test.run() }}>Send a test</Button>
        {state === 'active'
          ? <Button size="small" icon="pause" onClick={() => { void actions.setState.run('paused') }}>Pause</Button>
          : <Button size="small" icon="play" kind="primary" onClick={() => { void actions.setState.run('active') }}>Switch on</Button>}
        <Button size="small" icon="edit" onClick={onEdit}>Change</Button>
        <Button size="small" icon="key" onClick={() => { void actions.renew() }}>New secret</Button>
        <Button size="small" icon="trash" kind="danger" onClick={() => { void actions.remove() }}>Remove</Button>
      </Row>
      <h3>What was sent</h3>
      <QueryResult query={deliveries}>{known => <Deliveries deliveries={known}/>}</QueryResult>
    </Stack>
  </Dialog>
}

interface WebhookActionsInit { onSecret: (secret: string) => void, onClose: () => void, onTested: () => void }

function useWebhookActions ({ id, url }: Webhook, { onSecret, onClose, onTested }: WebhookActionsInit) {
  const changed = (): void => invalidate('webhooks')
  const test = useAction(() => service.webhooks.test(id), {
    done: delivery => {
      onTested()
      if (isSuccess(delivery)) toast(`The receiver answered ${delivery.status}.`, { tone: 'good' })
      else toast(delivery.status == null ? `No answer: ${delivery.error ?? ''}` : `The receiver answered ${delivery.status}.`, { tone: 'bad' })
    }
  })
  const setState = useAction((state: 'active' | 'paused') => service.webhooks.change(id, { state }), { done: changed })
  const renewing = useAction(() => service.webhooks.renewSecret(id), { done: ({ secret }) => onSecret(secret) })
  const removing = useAction(() => service.webhooks.remove(id), {
    success: 'The webhook is removed.',
    done: () => {
      onClose()
      changed()
    }
  })
  return {
    test,
    setState,
    renew: async () => {
      if (await confirm({ title: 'A new secret?', text: 'The old one signs nothing more, from the next delivery on: your program has to know the new one.', action: 'Make a new secret' })) await renewing.run()
    },
    remove: async () => {
      if (await confirm({ title: 'Remove the webhook?', text: <>
        Nothing more is sent to <Name text={url}/>, and the list of deliveries goes.
      </>, action: 'Remove', tone: 'bad' })) await removing.run()
    }
  }
}
