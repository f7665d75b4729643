{#
  The restatement rule: what the deliveries of a slice said, one after another, becomes one row for each value that
  was held without a break. Expects a relation with the key, the values, and the coverage's sequence_number, known_from
  and known_to; gives its columns back with version_known_to beside them, the end of the whole time the value was held.

  A version starts where the delivery just before did not speak of the key, or said something else; it ends where the
  delivery just after does so. Its row is the one of the delivery that said it first.
#}
{% macro known_versions(relation, key, values) %}
    with bounded as (
        select
            *,
            {{ same_as_neighbour('lag', -1, values) }} as continues_version,
            {{ same_as_neighbour('lead', 1, values) }} as is_continued
        from {{ relation }}
        window by_knowledge as (partition by {{ key | join(', ') }} order by sequence_number)
    ),

    -- Of each version its first row and its last, so that the row after a first one that is continued is its last.
    spanned as (
        select
            *,
            case when is_continued then lead(known_to) over by_knowledge else known_to end as version_known_to
        from bounded
        where not continues_version or not is_continued
        window by_knowledge as (partition by {{ key | join(', ') }} order by sequence_number)
    )

    select *
    from spanned
    where not continues_version
{% endmacro %}

{% macro same_as_neighbour(neighbour, step, values) -%}
    coalesce(
        {{ neighbour }}(sequence_number) over by_knowledge = sequence_number + {{ step }}
        {%- for value in values %}
        and ({{ neighbour }}({{ value }}) over by_knowledge is not distinct from {{ value }})
        {%- endfor %},
        false
    )
{%- endmacro %}
