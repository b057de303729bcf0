import type { ComponentChildren } from 'preact'
import { Component } from 'preact'
import { ErrorState } from '../ui/feedback/error-state.tsx'
import { Page } from '../ui/frame/page.tsx'

/** A page that fails takes nothing else with it. */
export class ErrorBoundary extends Component<{ children: ComponentChildren }, { error: unknown }> {
  override state: { error: unknown } = { error: null }

  override componentDidCatch (error: unknown): void {
    console.error(error)
    this.setState({ error })
  }

  override render () {
    const { error } = this.state
    if (error == null) return this.props.children
    return <Page title="Something went wrong">
      <ErrorState error={error} title="This page has a fault" onRetry={() => this.setState({ error: null })}/>
    </Page>
  }
}
