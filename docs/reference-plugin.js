// The reference: where its pages lie, what they say of options, and how they are written.
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { format } from "oxfmt"
import { Converter, makeRecursiveVisitor, ReferenceType, ReflectionKind } from "typedoc"
import { MarkdownTheme, MarkdownThemeContext, ModuleRouter } from "typedoc-plugin-markdown"

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

const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1)
/** A type in Markdown as code: without what links it and what keeps Markdown from reading it. */
const plain = (text) =>
  text
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replaceAll("`", "")
    .replaceAll(/\\([^\w\s])/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
const block = (code) => `\`\`\`ts\n${plain(code).replaceAll(/\s+/g, " ").trim()}\n\`\`\``
/** Beyond this a type is what inference made of it, and nobody reads it. */
const longest = 400

class Context extends MarkdownThemeContext {
  partials = this.overridden(this.partials)

  overridden(partials) {
    return {
      ...partials,
      categories: (categories, options) => {
        for (const category of categories) category.title = capital(category.title)
        return partials.categories(categories, options)
      },
      // Signatures stand in code, where nothing can be linked: the types follow as links.
      signatureTitle: (model) => {
        const types = [...(model.parameters ?? []).map(({ type }) => type), model.type]
        return [block(this.signatureText(model)), this.linked(model, types)].filter(Boolean).join("\n\n")
      },
      signatureReturns: () => "",
      declarationTitle: (model) => {
        const type = this.helpers.getDeclarationType(model)
        const isAlias = model.kind === ReflectionKind.TypeAlias
        const text = type === undefined ? "object" : this.typeText(type)
        const name = `${model.name}${this.parametersText(model.typeParameters)}`
        const code = `${isAlias ? `type ${name} =` : `const ${name}:`} ${text}`
        return [block(code), this.linked(model, [type])].filter(Boolean).join("\n\n")
      },
      memberTitle: (model) => model.name,
      propertiesTable: (model, options) =>
        partials
          .propertiesTable(model, options)
          .replace("Default value", "Default")
          .replaceAll("| `undefined` |", "| |"),
      hierarchy: (model) => {
        const bases = []
        for (let at = model; at !== undefined && !at.isTarget; at = at.next)
          for (const type of at.types) if (type.reflection !== undefined) bases.push(type)
        return bases.length === 0 ? "" : `Extends ${bases.map((type) => this.link(type)).join(", ")}.`
      },
      inheritance: () => "",
    }
  }

  typeText(type) {
    const text = plain(this.partials.someType(type))
    if (text.length <= longest) return text
    return type.type === "reference" ? `${type.name}<…>` : type.type === "reflection" ? "{…}" : text
  }

  parametersText(parameters) {
    if (!parameters?.length) return ""
    const texts = parameters.map(
      ({ default: otherwise, name, type }) =>
        `${name}${type ? ` extends ${this.typeText(type)}` : ""}${otherwise ? ` = ${this.typeText(otherwise)}` : ""}`,
    )
    return `<${texts.join(", ")}>`
  }

  signatureText(model) {
    const parameters = (model.parameters ?? []).map((parameter) => {
      const { defaultValue, flags, name, type } = parameter
      const optional = flags.isOptional || defaultValue !== undefined ? "?" : ""
      return `${flags.isRest ? "..." : ""}${name}${optional}: ${this.typeText(type)}`
    })
    const isConstructor = model.kind === ReflectionKind.ConstructorSignature
    const name = isConstructor ? `new ${model.parent.parent.name}` : `function ${model.name}`
    const result = isConstructor ? "" : `: ${this.typeText(model.type)}`
    return `${name}${this.parametersText(model.typeParameters)}(${parameters.join(", ")})${result}`
  }

  link({ name, reflection }) {
    return `[\`${name}\`](${this.urlTo(reflection)})`
  }

  /** The types of the packages that occur in these, each once, as links. */
  linked(model, types) {
    const found = new Map()
    const visitor = makeRecursiveVisitor({
      reference: (type) => {
        const { reflection } = type
        if (reflection === undefined || reflection === model || !this.router.hasUrl(reflection)) return
        // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a mask of kinds is the enum's own member
        if (!reflection.kindOf(ReflectionKind.SomeType)) return
        found.set(reflection, type)
      },
    })
    for (const type of types) type?.visit(visitor)
    found.delete(model)
    return found.size === 0 ? "" : `Types: ${[...found.values()].map((type) => this.link(type)).join(", ")}`
  }
}

class Theme extends MarkdownTheme {
  getRenderContext(page) {
    return new Context(this, page, this.application.options)
  }
}

/** Lays out the code of a page. What no formatter reads, such as a type that was cut short, stays as it is. */
const laidOut = async (page) => {
  const parts = page.split(/(^```ts\n[\s\S]*?^```$)/m)
  const formatted = parts.map(async (part) => {
    const [, code] = /^```ts\n((?:type|const|function) .*)\n```$/.exec(part) ?? []
    // A union in a cell of a table begins with its bar.
    if (code === undefined) return part.startsWith("```") ? part : part.replaceAll("| \\| ", "| ")
    const { code: text, errors } = await format("code.ts", `declare ${code}`, { printWidth: 80, semi: false })
    return errors.length > 0 ? part : `\`\`\`ts\n${text.trim().replace(/^declare /, "")}\n\`\`\``
  })
  return (await Promise.all(formatted)).join("")
}

/** The defaults of options are where a function takes them apart: `({ clip = null, tau }: Options)`. */
const defaults = (app) => {
  let found = []
  app.converter.on(Converter.EVENT_CREATE_SIGNATURE, (_context, signature, declaration) => {
    for (const [i, parameter] of (signature.parameters ?? []).entries()) {
      const elements = declaration?.parameters?.[i]?.name?.elements
      if (parameter.name !== "__namedParameters") continue
      // A parameter that is taken apart has no name: its type gives one.
      const type = parameter.type instanceof ReferenceType ? parameter.type.name : "options"
      parameter.name = type.slice(0, 1).toLowerCase() + type.slice(1)
      if (parameter.defaultValue !== undefined && /[^{}\s]/.test(parameter.defaultValue)) continue
      for (const element of elements ?? [])
        if (element.initializer !== undefined)
          found.push({
            parameter,
            name: (element.propertyName ?? element.name).getText(),
            value: element.initializer.getText(),
          })
    }
  })
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    const values = new Map()
    for (const { name, parameter, value } of found) {
      const target = parameter.type instanceof ReferenceType ? parameter.type.reflection : undefined
      const property = target?.getChildByName?.([name])
      if (property === undefined || value.length > 60) continue
      values.set(property, [...(values.get(property) ?? []), value])
    }
    found = []
    for (const reflection of project.getReflectionsByKind(ReflectionKind.Property | ReflectionKind.Constructor)) {
      // A field of a schema is no default, and a constructor that Effect makes says nothing.
      if (reflection.kind === ReflectionKind.Property) delete reflection.defaultValue
      else if (reflection.inheritedFrom !== undefined) project.removeReflection(reflection)
    }
    for (const [property, [value, ...others]] of values)
      if (others.every((other) => other === value)) property.defaultValue = value
    // Or they are a constant beside the options.
    for (const constant of project.getReflectionsByKind(ReflectionKind.Variable)) {
      if (constant.name !== "defaults") continue
      for (const { name, type } of constant.type?.declaration?.children ?? [])
        for (const options of constant.parent.children) {
          const property = options === constant ? undefined : options.getChildByName([name])
          if (type?.type === "literal" && property?.kind === ReflectionKind.Property)
            property.defaultValue ??= `${type}`
        }
    }
  })
}

/** TypeDoc calls this. */
export const load = (app) => {
  app.renderer.defineRouter("lpo", Router)
  app.renderer.defineTheme("lpo", Theme)
  defaults(app)
  app.renderer.markdownHooks.on("content.begin", ({ page }) =>
    page.model.isProject() ? "What the packages export, from the comments in their sources. Each installs alone." : "",
  )
  app.renderer.postRenderAsyncJobs.push(async ({ outputDirectory, urls, pages }) => {
    for (const { url } of pages ?? urls) {
      const path = join(outputDirectory, url)
      await writeFile(path, await laidOut(await readFile(path, "utf8")))
    }
  })
}
