/**
 * `dexter completion <shell>`: prints the script that connects a shell to `dexter complete`, which knows the rest. So a
 * script that was installed once completes whatever the installed dexter can do.
 */
/**
 * What `dexter complete` prints: a line with the kind (values, files, directories), then a line for each value, with a tab
 * before its description. The word that is being typed comes last, possibly empty.
 */
const BASH = `# dexter completion for bash: source <(dexter completion bash)
_dexter() {
  local IFS=$'\\n' word joined= current= lines line i
  local -a words=()
  # "=" and ":" end a word for bash, and none for dexter.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((i > 1)) && [[ \${word:0:1} == [=:] || $joined ]]; then
      words[\${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    [[ $word == *[=:] ]] && joined=1 || joined=
  done
  current=\${words[\${#words[@]} - 1]}
  COMPREPLY=()
  lines=($("$1" complete -- "\${words[@]}" 2>/dev/null))
  local shown=\${COMP_WORDS[COMP_CWORD]} before=
  [[ $shown == [=:] ]] && shown=
  [[ $current == *[=:]* ]] && before=\${current%"\${current##*[=:]}"}
  case \${lines[0]} in
    files) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$shown")) ;;
    directories) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$shown")) ;;
    values)
      for line in "\${lines[@]:1}"; do
        line=\${line%%$'\\t'*}
        COMPREPLY+=("\${line#"$before"}")
      done
      [[ \${#COMPREPLY[@]} == 1 && $COMPREPLY == *= ]] && compopt -o nospace 2>/dev/null ;;
  esac
  return 0
}
complete -F _dexter dexter
`;

const ZSH = `#compdef dexter
# dexter completion for zsh: source <(dexter completion zsh), or save it as _dexter in a folder of fpath
_dexter() {
  local line value
  local -a lines whole begun
  lines=("\${(@f)$("$words[1]" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compset -P '--*='
  case $lines[1] in
    files) _files ;;
    directories) _files -/ ;;
    values)
      for line in "\${(@)lines[2,-1]}"; do
        value=\${\${line%%$'\\t'*}#$IPREFIX}
        line=\${value//:/\\\\:}:\${line#*$'\\t'}
        if [[ $value == *= ]]; then begun+=("$line"); else whole+=("$line"); fi
      done
      (( $#whole )) && _describe -t values dexter whole
      (( $#begun )) && _describe -t values dexter begun -S ''
      ;;
  esac
  return 0
}
if [[ $funcstack[1] == _dexter ]]; then _dexter "$@"; else compdef _dexter dexter; fi
`;

const FISH = `# dexter completion for fish: dexter completion fish > ~/.config/fish/completions/dexter.fish
function __dexter_complete
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  set -l lines ($typed[1] complete -- $typed[2..-1] "$current" 2>/dev/null)
  switch "$lines[1]"
    case files
      __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current")
    case directories
      __fish_complete_directories (string replace -r -- '^--[^=]*=' '' "$current")
    case values
      string join -- \\n $lines[2..-1]
  end
end
complete -c dexter -f -a '(__dexter_complete)'
`;

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

export type Shell = keyof typeof SCRIPTS;

export function completion(shell: Shell): void {
  process.stdout.write(SCRIPTS[shell]);
}
