// The reference: where its pages lie, and how they are written.
import { ReflectionKind } from "typedoc"
import { ModuleRouter } from "typedoc-plugin-markdown"

/** A page a namespace: `simplex/Target.md`, not `@lpo/simplex/namespaces/Target.md`. */
class Router extends ModuleRouter {
  getIdealBaseName(reflection) {
    const names = []
    for (let at = reflection; at.parent !== undefined; at = at.parent) names.unshift(at.name.replace(/^@.*\//, ""))
    const isFolder =
      reflection.kind === ReflectionKind.Module ||
      reflection.children?.some((child) => child.kind === ReflectionKind.Namespace)
    return [...names, ...(isFolder ? ["index"] : [])].join("/")
  }
}

/** TypeDoc calls this. */
export const load = (app) => {
  app.renderer.defineRouter("lpo", Router)
}
