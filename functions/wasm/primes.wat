;; The sieve of Eratosthenes over one byte a number: after `sieve(limit)`, the byte at address n is 0
;; where n is a prime. Written flat, one instruction after the other, as `assemble.js` beside it reads it.
(module
  (memory (export "memory") 17)  ;; pages of 64 KiB: room for numbers up to 1,114,111

  ;; Marks all composites up to `limit`; returns how many primes there are.
  (func (export "sieve") (param $limit i32) (result i32)
    (local $n i32) (local $multiple i32) (local $count i32)

    ;; A former call left its marks: clear them, then mark 0 and 1, which are no primes.
    i32.const 0
    i32.const 0
    local.get $limit
    i32.const 1
    i32.add
    memory.fill
    i32.const 0
    i32.const 257  ;; two bytes of 1
    i32.store16

    i32.const 2
    local.set $n
    block $done
      loop $next
        local.get $n
        local.get $limit
        i32.gt_u
        br_if $done

        block $composite
          local.get $n
          i32.load8_u
          br_if $composite

          local.get $count
          i32.const 1
          i32.add
          local.set $count

          ;; Smaller multiples than n + n are marked already by smaller primes, or are n itself.
          local.get $n
          local.get $n
          i32.add
          local.set $multiple
          block $marked
            loop $mark
              local.get $multiple
              local.get $limit
              i32.gt_u
              br_if $marked
              local.get $multiple
              i32.const 1
              i32.store8
              local.get $multiple
              local.get $n
              i32.add
              local.set $multiple
              br $mark
            end
          end
        end

        local.get $n
        i32.const 1
        i32.add
        local.set $n
        br $next
      end
    end
    local.get $count
  )
)
