"""Read one manifest file: resolve its locals, render it where Atmos renders it, parse it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.values import MissingKey, Value
from secrets_pipeline.stacks.amounts import READ, RENDERED, Amounts, Sizes, TooMuch, make
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.manifests.includes import Parser
from secrets_pipeline.stacks.manifests.locals import Evaluate, has_locals, resolve_locals
from secrets_pipeline.stacks.merge import Section
from secrets_pipeline.stacks.templates.rendering import contains_template, render_section, without_quotes
from secrets_pipeline.stacks.templates.templates import Renderer, has_template, with_values

_SHARED: Final = ("settings", "vars", "env")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file's own content.

    Attributes:
        path: absolute path.
        config: its sections, without those of its imports.
        context: template context for its imports: what it was given, and its own sections if it has locals.
    """

    path: Path
    config: Section
    context: Section = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What an importing file says about the rendering of an imported one."""

    context: Section = field(default_factory=dict)
    skip_templates: bool = False
    missing: MissingKey = MissingKey.ERROR


class Manifests:
    """Reads manifest files; one that is not rendered is parsed once.

    Args:
        files: access to the repository.
        evaluate: evaluates YAML functions in locals.
        renderer: renders templates.
        amounts: of the repository.
    """

    def __init__(self, files: Files, evaluate: Evaluate, renderer: Renderer, amounts: Amounts) -> None:
        self._files = files
        self._parser = Parser(files, amounts)
        self._evaluate = evaluate
        self._renderer = renderer
        self._parsed: dict[Path, Section] = {}

    def read(self, path: Path, given: Given) -> Manifest:
        """The content of a file, as imported with that context.

        Raises:
            StackError: for a file that is not a valid manifest, or a template that fails.
        """
        text = self._files.text(path)
        is_template = path.name.endswith((".yaml.tmpl", ".yml.tmpl"))
        if given.skip_templates or not (is_template or has_template(text) or "locals:" in text):
            return Manifest(path, self._parse(path, text), given.context)
        return self._rendered(path, text, given, is_template=is_template)

    def included(self, path: Path) -> dict[Path, Path]:
        """See `Parser.included`, of a file that was read."""
        return self._parser.included(path)

    def _rendered(self, path: Path, text: str, given: Given, *, is_template: bool) -> Manifest:
        context = {key: value for key, value in given.context.items() if key != "locals"}
        raw = self._raw(path, text)
        own = self._with_locals(path, raw, context) if has_locals(raw) else {}
        if not (is_template or context or own):
            return Manifest(path, raw, context)
        visible = {**context, **own}
        try:
            filled = with_values(text, visible)
        except TemplateError as error:
            raise StackError(
                error.message,
                where=Where(file=self._files.name(path)),
                remedy="Have fewer templates in this file stand for large values.",
            ) from None
        make(len(filled) // READ)
        try:
            rendered = self._renderer.render(filled, visible, given.missing)
        except TemplateError as error:
            if given.context:
                raise StackError(
                    f"invalid stack manifest: {error}",
                    where=Where(file=self._files.name(path), line=error.line or None),
                    remedy="Correct the template, or give what it refers to in the `context` of the import.",
                ) from None
            rendered = text
        try:
            config = self._parser.parse(rendered, path)
        except StackError as error:
            message = without_quotes(error.message)
            raise StackError(message, remedy=error.remedy, where=error.where, chain=error.chain) from None
        return Manifest(path, {**config, **{key: own[key] for key in _SHARED if own.get(key)}}, visible)

    def _raw(self, path: Path, text: str) -> Section:
        try:
            return self._parse(path, text)
        except StackError:
            if path.suffix == ".tmpl":
                return {}  # valid YAML only once it is rendered
            raise

    def _with_locals(self, path: Path, raw: Section, context: Section) -> Section:
        """The locals of the file, with its settings, vars and env rendered in this order, each seeing those before."""
        visible: Section = {
            **context,
            "locals": resolve_locals(raw, self._files.name(path), self._evaluate, self._renderer),
        }
        own: Section = {"locals": visible["locals"]}
        for name in _SHARED:
            section = raw.get(name)
            if isinstance(section, dict):
                own[name] = visible[name] = self._rendered_or_raw(section, visible)
        return own

    def _rendered_or_raw(self, section: Section, context: Mapping[str, Value]) -> Section:
        if contains_template(section):
            make(RENDERED * Sizes().of(section))
        try:
            return render_section(section, lambda text: self._renderer.render(text, context))
        except TooMuch:
            raise
        except (TemplateError, StackError):
            return section

    def _parse(self, path: Path, text: str) -> Section:
        config = self._parsed.get(path)
        if config is None:
            config = self._parsed[path] = self._parser.parse(text, path)
        return config
