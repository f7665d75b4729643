{# At any time at most one version of a key is known. #}
{% test versions_do_not_overlap(model, key) %}
    with in_order as (
        select
            *,
            lead(known_from) over (
                partition by {{ key | join(', ') }}
                order by known_from, known_to nulls last
            ) as next_known_from
        from {{ model }}
    )

    select *
    from in_order
    where
        known_to < known_from
        or next_known_from < known_to
        or (known_to is null and next_known_from is not null)
{% endtest %}
