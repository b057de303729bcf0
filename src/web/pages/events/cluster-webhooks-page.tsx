import type { ConfiguredWebhook } from '../../../client/types.ts'
import { cluster } from '../../data/clients.ts'
import { useAction, useQuery } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Card } from '../../ui/display/card.tsx'
import { CodeBlock } from '../../ui/controls/copy.tsx'
import { Disclosure } from '../../ui/controls/disclosure.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Stack } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Skeleton } from '../../ui/feedback/skeleton.tsx'
import { toast } from '../../ui/feedback/toast.tsx'
import { Name, Time } from '../../ui/display/values.tsx'
import { Deliveries, isSuccess } from './deliveries.tsx'
import { typesText } from './webhook-types.ts'

const example = `"api": {
  "webhooks": {
    "urls": ["https://example.com/hook"],
    "secret": "whsec_…",
    "events": ["peer", "alert", "pin.status"]
  }
}`

/** `/cluster/webhooks`: the configured ones, which can be tested but not changed here. */
export default function ClusterWebhooksPage () {
  const query = useQuery('cluster/webhooks', signal => cluster.webhooks({ signal }), { pollMs: 5000 })
  return <Page title="Webhooks" intro="The events of the cluster, sent by this peer to the addresses in its service.json.">
    <QueryResult query={query} skeleton={<Skeleton lines={3} height="3rem" label="The webhooks are loading"/>} empty={{
      when: webhooks => webhooks.length === 0,
      show: <Stack>
        <EmptyState title="No webhooks are configured" icon="webhook">Add a section to service.json, and start the peer again.</EmptyState>
        <CodeBlock label="Section of service.json" language="json" code={example}/>
      </Stack>
    }}>
      {webhooks => <Stack>{webhooks.map(webhook => <Configured key={webhook.id} webhook={webhook} onTested={query.reload}/>)}</Stack>}
    </QueryResult>
  </Page>
}

function Configured ({ webhook, onTested }: { webhook: ConfiguredWebhook, onTested: () => void }) {
  const { id, url, types, failures, next_try_at: next, missed, deliveries } = webhook
  const test = useAction(() => cluster.testWebhook(id), {
    done: delivery => {
      onTested()
      toast(delivery.status == null ? `No answer: ${delivery.error ?? ''}` : `The receiver answered ${delivery.status}.`, { tone: isSuccess(delivery) ? 'good' : 'bad' })
    }
  })
  const button = <Button size="small" icon="play" isBusy={test.isRunning} onClick={() => { void test.run() }}>
    Send a test<span class="visually-hidden"> to {url}</span>
  </Button>
  return <Card title={url} actions={button}>
    <Stack>
      <p>
        {failures === 0 ? <Badge tone="good" icon="checkCircle">Well</Badge> : <Badge tone="bad" icon="warning">{failures === 1 ? '1 failure' : `${failures} failures in a row`}</Badge>}
        {' '}Gets: <Name text={typesText(types)}/>.{next != null && <> Next try: <Time at={next}/>.</>}
      </p>
      {missed && <Notice tone="warn">Events were lost: the receiver was away for longer than the log reaches back.</Notice>}
      <Disclosure summary={`What was sent (${deliveries.length})`} open={failures > 0}><Deliveries deliveries={deliveries}/></Disclosure>
    </Stack>
  </Card>
}
