/** The same object with these methods in the place of its own. */
export const withMethods = <T extends object>(target: T, methods: Partial<T>): T =>
  overrideMethods(target, name => methods[name as keyof T] as never)

/**
 * The same object with some methods replaced. Methods keep the target as their `this`, so private fields work; what isn't replaced is
 * passed through.
 */
export function overrideMethods<T extends object> (
  target: T, replace: (name: string, method: (...args: unknown[]) => unknown) => ((...args: unknown[]) => unknown) | undefined
): T {
  const methods = new Map<string | symbol, unknown>()
  return new Proxy(target, {
    get (_, name) {
      const known = methods.get(name)
      if (known !== undefined) return known
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      // not bind: `using` of Node 24 refuses a bound function as Symbol.dispose
      const bound = (...args: unknown[]): unknown => Reflect.apply(value, target, args)
      const method = typeof name === 'string' ? replace(name, bound) ?? bound : bound
      methods.set(name, method)
      return method
    }
  })
}
